/** What an exception covers, and until when, in words. */
import type { ExceptionSpec, FindingException, Suppressed } from '@/api/types'
import { shortDigest } from '@/components/images/names'
import { calendarDate } from '@/i18n/format'
import { sentenceOf } from '@/i18n/sentences'
import { counted, i18n, listed, told } from '@/i18n'

export function coveredText(spec: ExceptionSpec): string {
  const [first = '', ...more] = spec.vulnerabilities
  return more.length ? `${first} ${counted('exceptions.more', more.length)}` : first
}

/** For which images; every image where it names none. */
export function whereText({ spec, names }: Pick<FindingException, 'spec' | 'names'>): string {
  const named = [
    ...(spec.images ?? []),
    ...(spec.image_ids ?? []).map((image) => names?.[image] ?? shortDigest(image)),
  ]
  return listed(named) || i18n.global.t('exceptions.scope.everywhere')
}

interface Effect {
  findings: number
  images: number
}

/** How many findings of how many images it is about, as sentences name them. */
export function effectOf({ findings, images }: Effect): Record<keyof Effect, string> {
  return {
    findings: counted('exceptions.findings', findings),
    images: counted('exceptions.images', images),
  }
}

/** What happens when it goes. */
export function deleteText(effect: Effect): string {
  const { t } = i18n.global
  return effect.findings ? t('exceptions.deleteEffect', effectOf(effect)) : t('exceptions.deleteNothing')
}

export function untilText(expires: string | null | undefined): string {
  return expires ? calendarDate(expires) : i18n.global.t('exceptions.never')
}

/** `not_affected: vulnerable_code_not_present; what its maker says`, as VEX says it and exceptions after it. */
const SAID = /^([a-z_]+): (?:([a-z]+(?:_[a-z]+)+)(?:; |: |(?= \()|$))?(.*)$/s

/** Why something does not count: the codes of VEX in words, and what people wrote as they wrote it. */
export function suppressedText({ by, reason }: Pick<Suppressed, 'by' | 'reason'>): string {
  const [, status = '', code = '', rest = ''] =
    (by === 'exception' || by === 'vex' ? SAID.exec(reason) : null) ?? []
  const said = status && told('vexStatus', status, {}, '')
  if (!said) return sentenceOf(reason)
  const { t } = i18n.global
  const why = code && told('exceptions.justificationOf', code, {}, told('vexJustification', code, {}, code))
  const more = rest.trim().replace(/^no justification given/, t('suppressed.noWhy'))
  if (why && more && !more.startsWith('('))
    return t('suppressed.said', { status: said, why: t('suppressed.also', { said: why, more }) })
  return t('suppressed.said', { status: said, why: [why, more].filter(Boolean).join(' ') })
}
