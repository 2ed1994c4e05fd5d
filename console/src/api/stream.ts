/** The server's stream of changes: names of what changed, never the thing itself. */
import { onScopeDispose } from 'vue'
import { get } from '@/api/client'
import { markConnected, markLost } from '@/api/connection'

export const KINDS = [
  'incident',
  'node',
  'image',
  'registry',
  'exception',
  'policy',
  'profile',
  'command',
  'container',
  'advisories',
] as const
export type Kind = (typeof KINDS)[number]
type Listener = (kind: Kind, id: string) => void

const FIRST_WAIT = 1_000
const LONGEST_WAIT = 30_000

const listeners = new Set<Listener>()
let source: EventSource | null = null
let timer: ReturnType<typeof setTimeout> | undefined
let wait = FIRST_WAIT

export function openStream(): void {
  if (source) return
  const opened = new EventSource('/api/v1/stream')
  source = opened
  opened.onopen = () => {
    wait = FIRST_WAIT
    markConnected()
  }
  opened.onerror = () => {
    opened.close()
    if (source !== opened) return
    source = null
    timer = setTimeout(() => void reopen(), wait * (0.5 + Math.random()))
    wait = Math.min(wait * 2, LONGEST_WAIT)
  }
  for (const kind of KINDS) {
    opened.addEventListener(kind, (event) => {
      const id = identifier((event as MessageEvent<string>).data)
      for (const listener of listeners) listener(kind, id)
    })
  }
}

export function closeStream(): void {
  clearTimeout(timer)
  source?.close()
  source = null
}

/** Asks who is signed in first: the stream itself cannot tell a dead server from a dead session. */
async function reopen(): Promise<void> {
  try {
    await get('/sessions/current')
  } catch {
    markLost()
  }
  if (!source) openStream()
}

function identifier(data: string): string {
  try {
    const told = JSON.parse(data) as { id?: unknown }
    return typeof told.id === 'string' ? told.id : ''
  } catch {
    return ''
  }
}

/** Listens for as long as the calling component lives. */
export function onChange(kinds: readonly Kind[], listener: Listener): void {
  const own: Listener = (kind, id) => {
    if (kinds.includes(kind)) listener(kind, id)
  }
  listeners.add(own)
  onScopeDispose(() => listeners.delete(own))
}
