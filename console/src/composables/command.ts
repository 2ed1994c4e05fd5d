/** Giving an agent a command, once, and taking it back. */
import { Problem, post, remove, segment } from '@/api/client'
import type { Command, CommandKind, Parameter } from '@/api/types'

export interface Order {
  node: string
  kind: CommandKind
  parameters?: Record<string, Parameter>
  incident?: string | null
  reason?: string
}

/** What takes back what has been done to a container. */
const INVERSE: Partial<Record<CommandKind, CommandKind>> = {
  pause_container: 'unpause_container',
  unpause_container: 'pause_container',
  stop_container: 'start_container',
  isolate_container: 'reconnect_container',
  reconnect_container: 'isolate_container',
}

export function give(order: Order): Promise<Command> {
  return post<Command>('/commands', { body: order, idempotencyKey: key() })
}

export function cancel(command: Command): Promise<void> {
  return remove(`/commands/${segment(command.id)}`)
}

export function canUndo(command: Command): boolean {
  return INVERSE[command.kind] !== undefined
}

/** Cancelled where it was not carried out yet, else answered by its inverse. */
export async function undo(command: Command, reason: string): Promise<void> {
  const inverse = INVERSE[command.kind]
  try {
    await cancel(command)
  } catch (failure) {
    if (!(failure instanceof Problem && failure.code === 'command.final' && inverse)) throw failure
    const { node, incident } = command
    await give({ node, kind: inverse, parameters: { container: command.container ?? '' }, incident, reason })
  }
}

/** `crypto.randomUUID` is only there on secure origins; the console also runs on plain http inside a network. */
function key(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((each) => each.toString(16).padStart(2, '0'))
    .join('')
}
