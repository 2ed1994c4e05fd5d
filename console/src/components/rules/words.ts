/** What a rule says of itself, in the reader's language; English where it has no Chinese. */
import type { RuleInfo, RuleProblem } from '@/api/types'
import { language } from '@/preferences'

export interface RuleWords {
  title: string
  why: string
  advice: string
  falsePositives: string
}

/** The text in the reader's language; English where there is no Chinese of it. */
export function inLanguage(english: string, chinese: string): string {
  return language.value === 'zh-CN' && chinese ? chinese : english
}

export function problemText(problem: RuleProblem): string {
  return inLanguage(problem.text, problem.text_zh)
}

export function ruleWords(info: RuleInfo): RuleWords {
  return {
    title: inLanguage(info.title, info.title_zh) || info.name,
    why: inLanguage(info.why, info.why_zh),
    advice: inLanguage(info.advice, info.advice_zh),
    falsePositives: inLanguage(info.false_positives, info.false_positives_zh),
  }
}
