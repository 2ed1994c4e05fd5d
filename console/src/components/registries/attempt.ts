/** What a registry answered when it was asked once, line by line. */
import type { RegistryAttempt } from '@/api/types'
import { counted, i18n } from '@/i18n'
import { number } from '@/i18n/format'

export interface AttemptLine {
  good: boolean
  text: string
}

export function attemptLines(found: RegistryAttempt): AttemptLine[] {
  const t = i18n.global.t
  if (!found.reachable) return [{ good: false, text: t('registries.test.unreachable') }]
  const lines = [{ good: true, text: t('registries.test.reachable') }]
  const of = (asked: boolean | null, yes: string, no: string) => {
    if (asked !== null) lines.push({ good: asked, text: t(asked ? yes : no) })
  }
  of(found.admitted, 'registries.test.admitted', 'registries.test.refused')
  of(found.catalog, 'registries.test.catalog', 'registries.test.noCatalog')
  if (found.admitted !== false && found.catalog !== false) {
    lines.push({
      good: found.repositories > 0,
      text: counted('registries.test.repositories', found.repositories),
    })
  }
  if (found.looked_into) {
    lines.push({
      good: found.tags > 0,
      text: t('registries.test.tags', { n: number(found.tags), name: found.looked_into }, found.tags),
    })
  }
  return lines
}
