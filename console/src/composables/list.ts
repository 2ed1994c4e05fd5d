/** One page of a list: read, kept fresh, and never moved under the pointer. */
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { get, type Problem, type Query } from '@/api/client'
import { recovered } from '@/api/connection'
import { onChange, type Kind } from '@/api/stream'
import type { Page } from '@/api/types'
import { asProblem } from '@/composables/failure'
import { paced } from '@/composables/pace'

export const PAGE_SIZE = 50
const GAP = 250
const REFRESH = 60_000
const FRESH = 4_000

interface Settings<T> {
  path: () => string
  query: () => Query
  key: (item: T) => string
  kinds?: readonly Kind[]
}

export interface List<T> {
  items: Ref<T[]>
  total: Ref<number>
  cursor: Ref<string | null>
  loading: Ref<boolean>
  problem: Ref<Problem | null>
  asOf: Ref<Date | null>
  /** Keys of rows that just arrived: they are shown with a highlight that fades. */
  fresh: Ref<ReadonlySet<string>>
  /** How many rows wait to be let in because somebody is reading. */
  waiting: Ref<number>
  changed: Ref<boolean>
  hold: (held: boolean) => void
  letIn: () => void
  reload: () => Promise<void>
}

export function useList<T>(settings: Settings<T>): List<T> {
  const page = shallowRef<Page<T>>({ items: [], total: 0, cursor: null })
  const pending = shallowRef<Page<T> | null>(null)
  const loading = ref(true)
  const problem = shallowRef<Problem | null>(null)
  const asOf = ref<Date | null>(null)
  const fresh = shallowRef<ReadonlySet<string>>(new Set())
  let held = false
  let running: AbortController | null = null

  const keys = (items: T[]) => items.map(settings.key)
  const newcomers = (items: T[]) => {
    const known = new Set(keys(page.value.items))
    return keys(items).filter((each) => !known.has(each))
  }

  async function read(refreshing: boolean): Promise<void> {
    running?.abort()
    const own = new AbortController()
    running = own
    // A refresh that overtakes what somebody asked for answers them: its rows must not wait.
    const quiet = refreshing && !loading.value
    if (!quiet) {
      loading.value = true
      pending.value = null
    }
    try {
      const query = { limit: PAGE_SIZE, ...settings.query() }
      const found = await get<Page<T>>(settings.path(), { query, signal: own.signal })
      problem.value = null
      asOf.value = new Date()
      if (quiet) arrive(found)
      else page.value = found
      loading.value = false
    } catch (failure) {
      if (own.signal.aborted) return
      // A quiet refresh that failed leaves what is shown; the bar about the connection says the rest.
      if (!quiet || page.value.items.length === 0) problem.value = asProblem(failure)
      loading.value = false
    }
  }

  /** Values change in place at once; rows that come, go or move wait while somebody is reading. */
  function arrive(found: Page<T>): void {
    const same = keys(found.items).join() === keys(page.value.items).join()
    if (held && !same) {
      pending.value = found
      return
    }
    take(found)
  }

  function take(found: Page<T>): void {
    const arrived = page.value.items.length > 0 ? newcomers(found.items) : []
    page.value = found
    pending.value = null
    if (arrived.length === 0) return
    fresh.value = new Set(arrived)
    setTimeout(() => (fresh.value = new Set()), FRESH)
  }

  const refresh = paced(() => read(true), GAP)
  watch(
    () => [settings.path(), JSON.stringify(settings.query())],
    () => void read(false),
    { immediate: true },
  )
  watch(recovered, () => void read(true))
  if (settings.kinds) onChange(settings.kinds, refresh.soon)
  const regular = setInterval(() => {
    if (document.visibilityState === 'visible') refresh.soon()
  }, REFRESH)
  onScopeDispose(() => {
    clearInterval(regular)
    refresh.stop()
    running?.abort()
  })

  return {
    items: computed(() => page.value.items),
    total: computed(() => page.value.total),
    cursor: computed(() => page.value.cursor),
    loading,
    problem,
    asOf,
    fresh,
    waiting: computed(() => (pending.value ? newcomers(pending.value.items).length : 0)),
    changed: computed(() => pending.value !== null),
    hold: (now) => {
      held = now
    },
    letIn: () => {
      if (pending.value) take(pending.value)
    },
    reload: () => read(false),
  }
}
