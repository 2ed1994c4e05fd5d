/** What the rules of a policy come to, asked of the server soon after each change. */
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { post, Problem } from '@/api/client'
import type { CheckedRules, RulesSpec } from '@/api/types'
import { isOfPack } from '@/components/rules/choose'
import { asProblem } from '@/composables/failure'
import { usePackRules } from '@/composables/rules'

const PAUSE = 400

export function useRuleCheck(rules: () => RulesSpec) {
  const pack = usePackRules()
  const answer = shallowRef<CheckedRules | null>(null)
  /** The files could not be looked at: too large, or a name that cannot be. */
  const refusal = shallowRef<Problem | null>(null)
  const checking = ref(false)
  let typing: ReturnType<typeof setTimeout> | undefined
  let running: AbortController | null = null

  async function check(): Promise<void> {
    running = new AbortController()
    const { signal } = running
    const { pack: withPack, files } = rules()
    try {
      const body = { pack: withPack, files }
      const found = await post<CheckedRules>('/rules/check', { body, signal })
      if (signal.aborted) return
      answer.value = found
      refusal.value = null
    } catch (failure) {
      if (signal.aborted) return
      refusal.value = inSpec(asProblem(failure))
    }
    checking.value = false
  }

  function stop(): void {
    clearTimeout(typing)
    running?.abort()
  }

  const own = computed(() => rules().files.length > 0)
  watch(
    () => JSON.stringify([rules().pack, rules().files]),
    (_, before) => {
      stop()
      checking.value = own.value
      if (own.value) typing = setTimeout(() => void check(), before === undefined ? 0 : PAUSE)
      else refusal.value = null
    },
    { immediate: true },
  )
  onScopeDispose(stop)

  const infos = computed(
    () => (own.value ? answer.value?.rules : undefined) ?? (rules().pack ? pack.rules.value : []),
  )
  /** What the product's own files are warned of is nothing that a reader could do anything about. */
  const problems = computed(() =>
    own.value ? (answer.value?.problems ?? []).filter((each) => each.error || !isOfPack(each.file)) : [],
  )
  /** The list is the one of these files, and all of them are sound. */
  const sound = computed(
    () =>
      infos.value !== null && !checking.value && !refusal.value && !problems.value.some((each) => each.error),
  )
  return { infos, problems, refusal, checking, sound, unread: pack.problem, reload: pack.reload }
}

export type RuleCheck = ReturnType<typeof useRuleCheck>

/** The places that the check names are below the rules; the form's are below the policy. */
function inSpec(found: Problem): Problem {
  const field = found.field?.replace(/^\$\.(?=files|settings)/, '$.rules.') ?? null
  return new Problem(found.status, found.code, found.detail, found.params, field, found.requestId)
}
