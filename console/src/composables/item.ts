/** One thing, read by its address; where it names the kinds of news that concern it, it is kept fresh. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { get, type Problem } from '@/api/client'
import { recovered } from '@/api/connection'
import { onChange, type Kind } from '@/api/stream'
import { asProblem } from '@/composables/failure'
import { paced } from '@/composables/pace'

const GAP = 250
const REFRESH = 60_000
/** Not there any more, or not for this person: what was shown of it is not true any more. */
const GONE = new Set([403, 404])

export interface Item<T> {
  value: ShallowRef<T | null>
  loading: Ref<boolean>
  problem: ShallowRef<Problem | null>
  asOf: Ref<Date | null>
  reload: () => Promise<void>
  /** What was found before does not stand any more, whether or not something is found now. */
  afresh: () => Promise<void>
}

export function useItem<T>(path: () => string | null, kinds: readonly Kind[] = []): Item<T> {
  const value = shallowRef<T | null>(null)
  const loading = ref(true)
  const problem = shallowRef<Problem | null>(null)
  const asOf = ref<Date | null>(null)
  let turn = 0

  async function read(quiet: boolean): Promise<void> {
    const where = path()
    const own = ++turn
    // What is at another address is another thing: neither this one nor why it could not be had is true of it.
    if (!quiet) {
      loading.value = true
      value.value = null
      problem.value = null
    }
    if (!where) return
    try {
      const found = await get<T>(where)
      if (own !== turn) return
      value.value = found
      problem.value = null
      asOf.value = new Date()
    } catch (failure) {
      if (own !== turn) return
      const found = asProblem(failure)
      if (GONE.has(found.status)) value.value = null
      if (!value.value) problem.value = found
    }
    loading.value = false
  }

  const refresh = paced(() => read(true), GAP)
  watch(path, () => void read(false), { immediate: true })
  // Without kinds it is read once: a form starts from one version, and must not get another under what is typed.
  const kept = kinds.length > 0
  watch(recovered, () => {
    if (kept || problem.value) void read(true)
  })
  onChange(kinds, refresh.soon)
  const regular = setInterval(() => {
    if (kept && document.visibilityState === 'visible') refresh.soon()
  }, REFRESH)
  onScopeDispose(() => {
    turn += 1
    clearInterval(regular)
    refresh.stop()
  })
  return { value, loading, problem, asOf, reload: () => read(true), afresh: () => read(false) }
}
