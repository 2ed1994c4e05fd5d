/** What a rule says of itself, in the reader's language; English where it has no Chinese. */
import type { RuleInfo } from '@/api/types'
import { language } from '@/preferences'

export interface RuleWords {
  title: string
  why: string
  advice: string
  falsePositives: string
}

export function ruleWords(info: RuleInfo): RuleWords {
  const chinese = language.value === 'zh-CN'
  const said = (english: string, other: string) => (chinese && other ? other : english)
  return {
    title: said(info.title, info.title_zh) || info.name,
    why: said(info.why, info.why_zh),
    advice: said(info.advice, info.advice_zh),
    falsePositives: said(info.false_positives, info.false_positives_zh),
  }
}
