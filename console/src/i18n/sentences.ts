/**
 * Sentences of scans, and of agents about themselves: they are said in English, names and numbers already in them, and keeps them so. Their
 * Chinese is found as commands find it, by the same files and in the same way (`src/hullguard/words/catalogue.py`):
 * a sentence's fixed words must all be there, in their order and up to both ends.
 */
import { shallowRef } from 'vue'
import { language, type Language } from '@/preferences'

const PLACEHOLDER = /\{(\w+)\}/
/** How deep a sentence may quote others. */
const DEPTH = 4
const LONGEST = 8192
const PARTS = 16
const MARKS = [
  ['; ', '；'],
  [': ', '：'],
] as const

class Pattern {
  readonly weight: number
  readonly sentence: string
  /** Whether its own words are of several parts. */
  readonly joins: boolean
  /** Whether they name a place and what is wrong there. */
  readonly places: boolean
  private readonly fixed: string[]
  private readonly names: string[]

  constructor(english: string, sentence: string) {
    const parts = english.split(PLACEHOLDER)
    this.sentence = sentence
    this.fixed = parts.filter((_, at) => at % 2 === 0)
    this.names = parts.filter((_, at) => at % 2 === 1)
    this.joins = this.fixed.some((part) => part.includes('; '))
    this.places = this.fixed.some((part) => part.includes(': '))
    this.weight = this.fixed.join('').length
  }

  /** What stands in a text where the placeholders are; null when its fixed words are others. */
  filled(text: string): Map<string, string> | null {
    const first = this.fixed[0] ?? ''
    const last = this.fixed.at(-1) ?? ''
    if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
      return null
    const end = text.length - last.length
    const found = new Map<string, string>()
    let at = first.length
    for (const [number, name] of this.names.entries()) {
      const part = number === this.names.length - 1 ? '' : (this.fixed[number + 1] ?? '')
      const place = number === this.names.length - 1 ? end : text.indexOf(part, at)
      if (place <= at || place + part.length > end) return null
      found.set(name, text.slice(at, place))
      at = place + part.length
    }
    return found
  }
}

export class Sentences {
  private readonly written: Map<string, string>
  private readonly patterns: Pattern[]

  constructor(sentences: Record<string, string>) {
    this.written = new Map(Object.entries(sentences))
    // Of several that fit, the one with the most fixed words says most.
    this.patterns = [...this.written]
      .filter(([english]) => english.includes('{'))
      .map(([english, sentence]) => new Pattern(english, sentence))
      .sort((a, b) => b.weight - a.weight)
  }

  /** An English sentence in this language; what is not known stays English. */
  of(sentence: string): string {
    return sentence.length <= LONGEST ? this.at(sentence, 0) : sentence
  }

  private at(sentence: string, depth: number): string {
    const written = this.written.get(sentence)
    if (written !== undefined && !sentence.includes('{')) return written
    if (depth === DEPTH || !sentence.includes(' ')) return sentence
    const several = this.several(sentence, depth)
    if (several !== null) return several
    for (const pattern of this.patterns) {
      const filling = pattern.filled(sentence)
      if (filling) {
        const apart = this.saysMore(sentence, pattern, depth)
        if (apart !== null) return apart
        return pattern.sentence.replace(/\{(\w+)\}/g, (_, name: string) =>
          this.quoted(filling.get(name) ?? '', depth),
        )
      }
    }
    return this.parts(sentence, depth)
  }

  /** `where: what is wrong` that fits a pattern by chance, which takes the place's name for one of its words. */
  private saysMore(sentence: string, pattern: Pattern, depth: number): string | null {
    const colon = sentence.indexOf(': ')
    if (colon < 0 || pattern.places) return null
    const what = sentence.slice(colon + 2)
    const weight = this.patterns.find((each) => each.filled(what) !== null)?.weight ?? 0
    if (!this.written.has(what) && weight <= pattern.weight) return null
    return `${this.quoted(sentence.slice(0, colon), depth)}：${this.at(what, depth + 1)}`
  }

  /** What a sentence was filled with may be a sentence; a single word is a name. */
  private quoted(text: string, depth: number): string {
    return text.includes(' ') ? this.at(text, depth + 1) : text
  }

  /** Sentences side by side, each of which is known: a pattern of one of them would swallow the others. */
  private several(sentence: string, depth: number): string | null {
    const parts = split(sentence, '; ')
    if (parts.length < 2) return null
    const known = parts.map((part) => this.quoted(part, depth))
    return known.every((part, number) => part !== parts[number]) ? known.join('；') : null
  }

  /** `where: what is wrong; and what else`: each part for itself. */
  private parts(sentence: string, depth: number): string {
    const colon = sentence.indexOf(': ')
    const what = sentence.slice(colon + 2)
    if (colon >= 0 && this.isOne(what))
      return `${this.quoted(sentence.slice(0, colon), depth)}：${this.at(what, depth + 1)}`
    for (const [mark, written] of MARKS) {
      const parts = split(sentence, mark)
      if (parts.length < 2) continue
      const known = parts.map((part) => this.quoted(part, depth))
      if (known.some((part, number) => part !== parts[number])) return known.join(written)
    }
    return sentence
  }

  /** Whether it is one sentence of several parts, which are known together only. */
  private isOne(sentence: string): boolean {
    if (!sentence.includes('; ')) return false
    return (
      this.written.has(sentence) || this.patterns.some((each) => each.joins && each.filled(sentence) !== null)
    )
  }
}

/** At every mark, but no more often than so many times. */
function split(sentence: string, mark: string): string[] {
  const parts = sentence.split(mark)
  return parts.length > PARTS + 1 ? [...parts.slice(0, PARTS), parts.slice(PARTS).join(mark)] : parts
}

const chinese = shallowRef<Sentences | null>(null)

export async function loadSentences(chosen: Language): Promise<void> {
  if (chosen !== 'zh-CN' || chinese.value) return
  const files = await Promise.all([
    import('@sentences/inventory.json'),
    import('@sentences/advisories.json'),
    import('@sentences/configuration.json'),
    import('@sentences/agent.json'),
    import('@sentences/platform.json'),
  ])
  chinese.value = new Sentences(
    Object.assign({}, ...files.map((file) => file.default)) as Record<string, string>,
  )
}

/** A sentence that the server said in English, in the language chosen. */
export function sentenceOf(english: string): string {
  return language.value === 'zh-CN' ? (chinese.value?.of(english) ?? english) : english
}
