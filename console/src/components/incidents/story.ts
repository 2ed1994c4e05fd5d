/** A story in words and in the order in which it is read. */
import type { Deed, Process, Step, Story, StoryProcess } from '@/api/types'
import { happened, programOf, visible } from '@/components/incidents/words'
import { told } from '@/i18n'

export interface Branch {
  key: string
  process: Process
  depth: number
  /** What this process itself did. */
  steps: Step[]
}

/** Every process below its parent, siblings by their start. */
export function branches(story: Story): Branch[] {
  const children = new Map<string | null, StoryProcess[]>()
  for (const each of story.processes) {
    children.set(each.parent, [...(children.get(each.parent) ?? []), each])
  }
  const did = new Map<string, Step[]>()
  for (const step of story.steps) {
    const actor = step.lineage.at(-1)
    if (actor !== undefined) did.set(actor, [...(did.get(actor) ?? []), step])
  }
  const found: Branch[] = []
  const waiting = [...byStart(children.get(null) ?? [])].reverse().map((each) => ({ each, depth: 0 }))
  const seen = new Set<string>()
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { each, depth } = next
    if (seen.has(each.key)) continue
    seen.add(each.key)
    found.push({ key: each.key, process: each.process, depth, steps: did.get(each.key) ?? [] })
    for (const child of byStart(children.get(each.key) ?? []).reverse()) {
      waiting.push({ each: child, depth: depth + 1 })
    }
  }
  return found
}

function byStart(processes: StoryProcess[]): StoryProcess[] {
  const start = ({ process }: StoryProcess) => Date.parse(process.started ?? '') || 0
  return [...processes].sort((one, other) => start(one) - start(other) || one.process.pid - other.process.pid)
}

/** One sentence: what happened; of what the agent says of itself or refused, what the rule says of its facts. */
export function sentenceOf(step: Step, story: Story): string {
  const actor = story.processes.find((each) => each.key === step.lineage.at(-1))
  if (!step.deed) return visible(happened(step, actor?.process))
  const remote = step.deed.remote
  return told(
    'deed',
    wordsFor(step.deed),
    {
      program: visible(actor ? programOf(actor.process) : '?'),
      path: visible(step.deed.path ?? '?'),
      target: visible(step.deed.target ?? '?'),
      remote: remote ? endpoint(remote.address, remote.port, remote.name) : '?',
    },
    step.deed.kind,
  )
}

export function endpoint(address: string, port: number, name: string): string {
  const place = port
    ? address.includes(':')
      ? `[${address}]:${String(port)}`
      : `${address}:${String(port)}`
    : address
  return visible(name ? `${name} (${place})` : place)
}

function wordsFor(deed: Deed): string {
  if (deed.kind === 'exec') return deed.new_file ? 'exec_new' : 'exec'
  if (deed.kind === 'connect') return deed.inbound ? 'connect_in' : 'connect'
  if (deed.kind !== 'file_open') return deed.kind
  if (deed.reads && deed.writes) return 'file_both'
  if (deed.writes) return 'file_write'
  return deed.reads ? 'file_read' : 'file_open'
}
