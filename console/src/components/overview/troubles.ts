/** What goes wrong beside incidents and nodes, and where a person sees why. */
import type { Overview } from '@/api/types'
import { counted, i18n } from '@/i18n'

export interface Trouble {
  words: string
  page: 'advisories' | 'registries'
}

export function troublesOf(overview: Overview): Trouble[] {
  const { t } = i18n.global
  const found: Trouble[] = []
  if (overview.advisories_trouble) found.push({ words: t('overview.trouble.unusable'), page: 'advisories' })
  if (overview.advisories_update === 'failed')
    found.push({ words: t('overview.trouble.failed'), page: 'advisories' })
  if (overview.advisories_update === 'partial')
    found.push({ words: t('overview.trouble.partial'), page: 'advisories' })
  if (overview.registries_troubled)
    found.push({
      words: counted('overview.trouble.registries', overview.registries_troubled),
      page: 'registries',
    })
  return found
}

const HOUR = 3_600_000
/** Days after which an advisory database is old, whatever was asked since. */
export const STALE_AFTER = 3

/** How the database stands that can be used: what is said of it, and whether that is well. */
export function standOf(overview: Overview, now: number): { well: boolean; words: string } | null {
  if (!overview.advisories_built) return null
  const { t } = i18n.global
  const hours = (now - Date.parse(overview.advisories_built)) / HOUR
  const days = Math.floor(hours / 24)
  const last = overview.advisories_update
  // However young the database is: there may be newer advisories, and nobody could see whether.
  if (last === 'failed' || last === 'partial') return { well: false, words: t(`overview.expires.${last}`) }
  if (days > STALE_AFTER)
    return { well: false, words: counted('overview.expires.old', Math.round(hours / 24)) }
  // Only who has just asked, or need not ask yet, knows that there is nothing newer.
  if (last === 'done' || hours < (overview.advisories_every_hours ?? 0))
    return { well: true, words: t('overview.expires.current') }
  return {
    well: false,
    words: days < 1 ? t('overview.expires.young') : counted('overview.expires.old', Math.round(hours / 24)),
  }
}
