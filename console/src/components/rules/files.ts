/** A team's own rule files: names, sizes, and places in their text. */
import type { RuleText } from '@/api/types'

/** Bytes of all files of one policy, and how many there may be; the server has the same bounds. */
export const LARGEST = 256 * 1024
export const MOST_FILES = 16
const LONGEST_NAME = 64
/** What a name must look like, for the browser's own check of the field. */
export const NAME_PATTERN = '[\\p{L}\\p{N}_][\\p{L}\\p{N}_.\\-]*'

export function sizeOf(files: readonly RuleText[]): number {
  const encoder = new TextEncoder()
  return files.reduce((sum, file) => sum + encoder.encode(file.content).length, 0)
}

/** A name that a policy can have and no other file of it has, as near to the wanted one as can be. */
export function freeName(wanted: string, files: readonly RuleText[]): string {
  const tidy = wanted.replace(/[^\p{L}\p{N}_.-]+/gu, '-').replace(/^[.-]+/, '') || 'rules.yaml'
  const dot = tidy.lastIndexOf('.')
  const [stem, end] = dot > 0 ? [tidy.slice(0, dot), tidy.slice(dot).slice(0, 16)] : [tidy, '']
  const taken = new Set(files.map((file) => file.name))
  for (let number = 1; ; number++) {
    const tail = (number === 1 ? '' : `-${String(number)}`) + end
    const name = stem.slice(0, LONGEST_NAME - tail.length) + tail
    if (!taken.has(name)) return name
  }
}

/** The text that the bytes of a file are; null where they are none. */
export function textOf(bytes: BufferSource): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

export function lineCount(text: string): number {
  let count = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1
  return count
}

/** Where a place lies in the text; lines and columns count from 1, columns in characters as the server counts them. */
export function offsetOf(text: string, line: number, column: number): number {
  let start = 0
  for (let passed = 1; passed < line; passed++) {
    const end = text.indexOf('\n', start)
    if (end === -1) break
    start = end + 1
  }
  const end = text.indexOf('\n', start)
  const characters = [...text.slice(start, end === -1 ? text.length : end)]
  return start + characters.slice(0, Math.max(0, column - 1)).join('').length
}

/** The end of the word that begins there, so that it can be marked. */
export function wordEnd(text: string, offset: number): number {
  const word = /^[^\s,()[\]]+/.exec(text.slice(offset, offset + 200))?.[0] ?? ''
  return offset + word.length
}

export function moved<T>(items: readonly T[], from: number, to: number): T[] {
  const rest = items.filter((_, index) => index !== from)
  const item = items[from]
  return item === undefined ? [...items] : [...rest.slice(0, to), item, ...rest.slice(to)]
}
