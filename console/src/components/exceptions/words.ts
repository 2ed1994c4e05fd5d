/** What an exception covers, and until when, in words. */
import type { ExceptionSpec, FindingException } from '@/api/types'
import { shortDigest } from '@/components/images/names'
import { calendarDate } from '@/i18n/format'
import { counted, i18n } from '@/i18n'

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
  return named.join(', ') || i18n.global.t('exceptions.scope.everywhere')
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
