/** One thing, read by its address and kept fresh. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { get, type Problem } from '@/api/client'
import { recovered } from '@/api/connection'
import { onChange, type Kind } from '@/api/stream'
import { asProblem } from '@/composables/failure'
import { paced } from '@/composables/pace'

const GAP = 250
const REFRESH = 60_000

export interface Item<T> {
  value: ShallowRef<T | null>
  loading: Ref<boolean>
  problem: ShallowRef<Problem | null>
  asOf: Ref<Date | null>
  reload: () => Promise<void>
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
    if (!where) return
    if (!quiet) {
      loading.value = true
      value.value = null
    }
    try {
      const found = await get<T>(where)
      if (own !== turn) return
      value.value = found
      problem.value = null
      asOf.value = new Date()
    } catch (failure) {
      if (own !== turn) return
      if (!quiet || !value.value) problem.value = asProblem(failure)
    }
    loading.value = false
  }

  const refresh = paced(() => read(true), GAP)
  watch(path, () => void read(false), { immediate: true })
  watch(recovered, () => void read(true))
  onChange(kinds, refresh.soon)
  const regular = setInterval(() => {
    if (document.visibilityState === 'visible') void read(true)
  }, REFRESH)
  onScopeDispose(() => {
    turn += 1
    clearInterval(regular)
    refresh.stop()
  })
  return { value, loading, problem, asOf, reload: () => read(true) }
}
