import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const css = readFileSync(join(__dirname, '../src/styles/tokens.css'), 'utf8')
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): (?:light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)|(#[0-9a-f]{6}));/g)].map(
    (match) => [match[1] ?? '', [match[2] ?? match[4] ?? '', match[3] ?? match[4] ?? '']],
  ),
)

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(ink: string, ground: string): number {
  const [high = 0, low = 0] = [luminance(ink), luminance(ground)].sort((one, other) => other - one)
  return (high + 0.05) / (low + 0.05)
}

const GROUNDS = ['ground', 'surface', 'raised', 'sunken', 'hover']
const TEXT = ['ink', 'ink-soft', 'ink-faint', 'accent', 'accent-strong', 'danger', 'caution']
const PAIRS = [
  ...GROUNDS.flatMap((ground) => TEXT.map((ink) => [ink, ground] as const)),
  ['accent-ink', 'accent'],
  ['accent-ink', 'accent-strong'],
  ['danger-ink', 'danger'],
  ['accent-strong', 'accent-soft'],
  ['ink', 'accent-soft'],
  ['ink', 'danger-soft'],
  ['danger', 'danger-soft'],
  ['ink-soft', 'accent-soft'],
  ['ink-faint', 'accent-soft'],
  ['accent', 'accent-soft'],
  ['surface', 'ink'],
  ...['critical', 'high', 'medium', 'low', 'negligible'].map(
    (severity) => ['on-severity', severity] as const,
  ),
] as const

describe.each([
  ['light', 0],
  ['dark', 1],
] as const)('the %s theme', (_, theme) => {
  const colour = (name: string) => {
    const found = tokens.get(name)?.[theme]
    if (!found) throw new Error(`no colour ${name}`)
    return found
  }

  it.each(PAIRS)('has %s readable on %s (AA)', (ink, ground) => {
    expect(contrast(colour(ink), colour(ground))).toBeGreaterThanOrEqual(4.5)
  })

  it.each(['surface', 'sunken', 'ground'])('has visible edges of fields on %s', (ground) => {
    expect(contrast(colour('line-strong'), colour(ground))).toBeGreaterThanOrEqual(3)
  })
})
