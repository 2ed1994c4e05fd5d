/** What a rule says of itself, in the reader's language; English where it has no Chinese. */
import type { RuleInfo, RuleProblem } from '@/api/types'
import { language } from '@/preferences'

export interface RuleWords {
  title: string
  why: string
  advice: string
  falsePositives: string
}

function said(english: string, chinese: string): string {
  return language.value === 'zh-CN' && chinese ? chinese : english
}

export function problemText(problem: RuleProblem): string {
  return said(problem.text, problem.text_zh)
}

export function ruleWords(info: RuleInfo): RuleWords {
  return {
    title: said(info.title, info.title_zh) || info.name,
    why: said(info.why, info.why_zh),
    advice: said(info.advice, info.advice_zh),
    falsePositives: said(info.false_positives, info.false_positives_zh),
  }
}
