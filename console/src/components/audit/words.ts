/** Who did what to which thing, in words. */
import type { RouteLocationRaw } from 'vue-router'
import type { AuditRecord } from '@/api/types'
import { tokenName } from '@/composables/tokenNames'
import { i18n, told } from '@/i18n'
import { sentenceOf } from '@/i18n/sentences'

const TOKEN = 'token:'

export function actionText(action: string): string {
  return told('auditAction', action, {}, action)
}

export function actorText(actor: string): string {
  const token = actor.startsWith(TOKEN) ? tokenName(actor.slice(TOKEN.length)) : null
  if (token) return i18n.global.t('submissions.byToken', { ...token })
  return told('actor', actor, {}, actor.startsWith('user:') ? actor.slice(5) : subjectText(actor))
}

/** What a detail of a record is; what incidents call so may be something else. */
export function factName(name: string): string {
  return told('auditFact', name, {}, told('fact', name, {}, name))
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

/** Ids and names up to this length stay in one line. */
const SHORT = 24

/** The thing as a person reads it: its kind in words, and its id, which is shortened in the middle. */
export function subjectParts(subject: string): { kind: string; id: string; short: boolean } {
  const whole = told('subjectKind', subject.replace(':', '_'), {}, '')
  if (whole) return { kind: whole, id: '', short: true }
  const [kind = '', ...rest] = subject.split(':')
  const word = rest.length ? told('subjectKind', kind, {}, '') : ''
  const id = (word ? rest.join(':') : subject).replace(
    /[0-9a-f]{24,}/,
    (digits) => `${digits.slice(0, 8)}…${digits.slice(-4)}`,
  )
  return { kind: word, id, short: id.length <= SHORT }
}

export function subjectText(subject: string): string {
  const { kind, id } = subjectParts(subject)
  return [kind, id].filter(Boolean).join(' ')
}
