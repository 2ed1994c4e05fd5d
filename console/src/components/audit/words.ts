/** Who did what to which thing, in words. */
import type { RouteLocationRaw } from 'vue-router'
import type { AuditRecord } from '@/api/types'
import { told } from '@/i18n'
import { sentenceOf } from '@/i18n/sentences'

export function actionText(action: string): string {
  return told('auditAction', action, {}, action)
}

export function actorText(actor: string): string {
  return told('actor', actor, {}, actor.startsWith('user:') ? actor.slice(5) : subjectText(actor))
}

/** Why, as a person wrote it; of what was denied the server gives the code of the problem, of what failed its sentence. */
export function reasonText(record: Pick<AuditRecord, 'outcome' | 'reason'>): string {
  if (!record.reason) return '–'
  if (record.outcome === 'denied') return told('problem', record.reason, {}, record.reason)
  // Of what failed the platform says why; what people write is said as they wrote it.
  return record.outcome === 'failed' ? sentenceOf(record.reason) : record.reason
}

const PAGES: Record<string, string> = {
  node: 'node',
  policy: 'policy',
  incident: 'incident',
  image: 'image',
  registry: 'registry',
}
/** Things that open beside the list of their kind. */
const ITEMS: Record<string, string> = { exception: 'exceptions', 'vex-document': 'exceptions' }

/** The page of the thing, where it has one. */
export function subjectLink(subject: string): RouteLocationRaw | null {
  const [kind = '', ...rest] = subject.split(':')
  const name = PAGES[kind]
  const id = rest.join(':')
  if (!id) return null
  const list = ITEMS[kind]
  if (list) return { name: list, query: kind === 'vex-document' ? { tab: 'vex', item: id } : { item: id } }
  return name ? { name, params: { id } } : null
}

/** The thing as a person reads it: an id is shortened in the middle. */
export function subjectText(subject: string): string {
  return subject.replace(/[0-9a-f]{24,}/, (id) => `${id.slice(0, 8)}…${id.slice(-4)}`)
}
