import type { Composer } from 'vue-i18n'
import type { Vulnerability } from '@/api/types'
import { dayAndTime } from '@/i18n/format'

export type PackageUse = Vulnerability['use']
export const USES: PackageUse['use'][] = ['loaded', 'not-seen', 'unknown']

/** Why it is believed to be loaded or not, and since when anybody looks: a line each. */
export function useMeans(use: PackageUse, t: Composer['t']): string {
  const why =
    use.use === 'loaded'
      ? t('vulnerabilities.useMeans.loaded', {
          file: use.file ?? '?',
          last: use.last ? dayAndTime(use.last) : '?',
        })
      : t(`vulnerabilities.useMeans.${use.use === 'not-seen' ? 'notSeen' : (use.why ?? 'unwatched')}`)
  if (!use.since) return why
  return `${why}\n${t('vulnerabilities.watched', { since: dayAndTime(use.since), n: use.containers }, use.containers)}`
}
