/** In which fields two versions of a registry differ, for somebody who must choose. */
import type { RegistrySpec } from '@/api/types'
import { i18n } from '@/i18n'
import { scheduleText } from '@/components/registries/schedule'

export interface Difference {
  /** Key of the field's name. */
  label: string
  theirs: string
  mine: string
}

const LABELS: Record<keyof RegistrySpec, string> = {
  name: 'registries.column.name',
  address: 'registries.address',
  insecure: 'registries.connection',
  username: 'registries.username',
  ca: 'registries.ca',
  repositories: 'registries.repositories',
  tags: 'registries.tags',
  newest: 'registries.newest',
  platforms: 'registries.platforms',
  every_hours: 'registries.schedule.label',
}
const LONGEST = 120

export function differences(theirs: RegistrySpec, mine: RegistrySpec): Difference[] {
  return (Object.keys(LABELS) as (keyof RegistrySpec)[])
    .filter((key) => JSON.stringify(theirs[key]) !== JSON.stringify(mine[key]))
    .map((key) => ({ label: LABELS[key], theirs: shown(theirs, key), mine: shown(mine, key) }))
}

function shown(spec: RegistrySpec, key: keyof RegistrySpec): string {
  if (key === 'insecure') return connectionText(spec)
  if (key === 'every_hours') return scheduleText(spec.every_hours)
  if (key === 'newest') return newestText(spec.newest)
  const value = spec[key]
  const text = Array.isArray(value) ? value.join(', ') : String(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text || '–'
}

export function connectionText(spec: RegistrySpec): string {
  return i18n.global.t(spec.insecure ? 'registries.http' : 'registries.https')
}

export function newestText(newest: number | null): string {
  return newest === null ? i18n.global.t('registries.newestAll') : String(newest)
}
