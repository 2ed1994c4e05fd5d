/** The rules that come with the product: asked for once, since only another server could have others. */
import { computed, shallowRef } from 'vue'
import { get, type Problem } from '@/api/client'
import type { RuleInfo } from '@/api/types'
import { asProblem } from '@/composables/failure'
import { can } from '@/session'

const known = shallowRef<readonly RuleInfo[] | null>(null)
const problem = shallowRef<Problem | null>(null)
const byName = computed(() => new Map((known.value ?? []).map((info) => [info.name, info])))
let asking: Promise<void> | null = null

async function ask(): Promise<void> {
  try {
    known.value = await get<RuleInfo[]>('/rules')
    problem.value = null
  } catch (failure) {
    problem.value = asProblem(failure)
  }
  asking = null
}

function load(): Promise<void> {
  if (known.value || !can('policies:read')) return Promise.resolve()
  asking ??= ask()
  return asking
}

/** A rule of the pack, once they are known; nothing for a team's own. */
export function packRule(name: string): RuleInfo | undefined {
  return byName.value.get(name)
}

export function usePackRules() {
  void load()
  return { rules: known, problem, reload: load }
}
