/** What API tokens are called, and whose they are: the server names who did something with one by its id. */
import { shallowReactive } from 'vue'
import { get, withQuery } from '@/api/client'
import type { TokenName } from '@/api/types'

/** By id; null of one that is asked for, or that is gone. */
const known = shallowReactive(new Map<string, TokenName | null>())
const wanted = new Set<string>()
const AT_ONCE = 100

/** Null while it is not known, and of one that is gone; whoever shows it shows it again once it is there. */
export function tokenName(id: string): TokenName | null {
  const found = known.get(id)
  if (found === undefined && !wanted.has(id)) {
    if (wanted.size === 0) setTimeout(() => void ask())
    wanted.add(id)
  }
  return found ?? null
}

async function ask(): Promise<void> {
  const ids = [...wanted].slice(0, AT_ONCE)
  try {
    const names = await get<TokenName[]>(withQuery('/tokens/names', { id: ids.join(',') }))
    const found = new Map(names.map((each) => [each.id, each]))
    for (const id of ids) known.set(id, found.get(id) ?? null)
  } catch {
    for (const id of ids) known.set(id, null) // its id says as much as it can
  }
  for (const id of ids) wanted.delete(id)
  if (wanted.size > 0) setTimeout(() => void ask())
}
