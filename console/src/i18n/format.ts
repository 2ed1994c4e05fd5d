/** Dates, numbers and sizes as the chosen language writes them. */
import { language } from '@/preferences'

const MINUTE = 60
const HOUR = 3_600
const DAY = 86_400
const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** A stretch of time in the largest unit of which there are two, to the nearest. */
export function duration(seconds: number): string {
  const [unit, size] =
    seconds < 2 * MINUTE
      ? ['second', 1]
      : seconds < 2 * HOUR
        ? ['minute', MINUTE]
        : seconds < 2 * DAY
          ? ['hour', HOUR]
          : ['day', DAY]
  const format = new Intl.NumberFormat(language.value, {
    style: 'unit',
    unit: unit as string,
    unitDisplay: 'long',
  })
  return format.format(Math.round(seconds / (size as number)))
}

export function number(value: number): string {
  return new Intl.NumberFormat(language.value).format(value)
}

/** Several things in a sentence: `a, b and c`. */
export function together(things: string[]): string {
  return new Intl.ListFormat(language.value, { type: 'conjunction' }).format(things)
}

export function percent(value: number): string {
  return new Intl.NumberFormat(language.value, { style: 'percent', maximumFractionDigits: 1 }).format(value)
}

export function bytes(value: number): string {
  const step = value < 1 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), UNITS.length - 1)
  return new Intl.NumberFormat(language.value, {
    style: 'unit',
    unit: UNITS[step] ?? 'byte',
    unitDisplay: step === 0 ? 'long' : 'short', // in short form English has no plural of byte
    maximumFractionDigits: step === 0 ? 0 : 1,
  }).format(value / 1000 ** step)
}

/** Day and time with the zone: what stands in a title or where one moment matters. */
export function moment(iso: string): string {
  return new Intl.DateTimeFormat(language.value, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).format(new Date(iso))
}

/** Day and time in a table, whose foot names the zone; of another year that year, which nobody would guess. */
export function dayAndTime(iso: string): string {
  const at = new Date(iso)
  return new Intl.DateTimeFormat(language.value, {
    year: at.getFullYear() === new Date().getFullYear() ? undefined : 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(at)
}

export function time(iso: string | Date): string {
  return new Intl.DateTimeFormat(language.value, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).format(new Date(iso))
}

/** Hours to milliseconds, for what happened within one minute. */
export function clock(iso: string): string {
  return new Intl.DateTimeFormat(language.value, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  }).format(new Date(iso))
}

export function day(iso: string): string {
  return new Intl.DateTimeFormat(language.value, { year: 'numeric', month: 'short', day: 'numeric' }).format(
    new Date(iso),
  )
}

/** A calendar day (`2026-11-23`, counted in UTC by the server) by weekday and day. */
export function calendarDay(date: string): string {
  return new Intl.DateTimeFormat(language.value, {
    weekday: 'short',
    month: 'numeric',
    day: 'numeric',
    timeZone: 'UTC',
  }).format(new Date(`${date}T00:00:00Z`))
}

/** Of such a day, the weekday alone and the day alone: where both do not fit into one line. */
export function weekday(date: string): string {
  return new Intl.DateTimeFormat(language.value, { weekday: 'short', timeZone: 'UTC' }).format(
    new Date(`${date}T00:00:00Z`),
  )
}

export function monthDay(date: string): string {
  return new Intl.DateTimeFormat(language.value, {
    month: 'numeric',
    day: 'numeric',
    timeZone: 'UTC',
  }).format(new Date(`${date}T00:00:00Z`))
}

/** How long ago, in the largest unit that says something and to the nearest: 47 hours are two days. */
export function ago(iso: string, now: number): string {
  // A clock that is a little ahead of ours is not the future.
  return apart(Math.min(0, Math.round((new Date(iso).getTime() - now) / 1000)))
}

/** In how long, in the same way: of 90 days all 90 are left a second later. */
export function until(iso: string, now: number): string {
  return apart(Math.max(0, Math.round((new Date(iso).getTime() - now) / 1000)))
}

function apart(seconds: number): string {
  const format = new Intl.RelativeTimeFormat(language.value, { numeric: 'auto', style: 'short' })
  if (Math.abs(seconds) < MINUTE) return format.format(seconds, 'second')
  const minutes = Math.round(seconds / MINUTE)
  if (Math.abs(minutes) < 60) return format.format(minutes, 'minute')
  const hours = Math.round(seconds / HOUR)
  if (Math.abs(hours) < 24) return format.format(hours, 'hour')
  return format.format(Math.round(seconds / DAY), 'day')
}

/** A calendar day with its year, counted in UTC by the server. */
export function calendarDate(date: string): string {
  return new Intl.DateTimeFormat(language.value, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    timeZone: 'UTC',
  }).format(new Date(`${date}T00:00:00Z`))
}
