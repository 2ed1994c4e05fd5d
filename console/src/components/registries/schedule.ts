/** When a registry is listed by itself, in words. */
import { counted, i18n } from '@/i18n'

const WEEK = 168

export function scheduleText(hours: number | null): string {
  if (hours === null) return i18n.global.t('registries.schedule.manual')
  if (hours === WEEK) return i18n.global.t('registries.schedule.weekly')
  return counted('registries.schedule.hours', hours)
}
