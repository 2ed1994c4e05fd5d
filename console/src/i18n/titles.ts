/** Titles of rules and checks: the server says them in English, this table, which lies beside the rules, in Chinese. */
import { shallowRef } from 'vue'
import { language, type Language } from '@/preferences'

const chinese = shallowRef<Record<string, string>>({})

export async function loadTitles(chosen: Language): Promise<void> {
  if (chosen === 'zh-CN' && Object.keys(chinese.value).length === 0) {
    chinese.value = (await import('@content/titles.zh.json')).default
  }
}

/** The title in the language chosen; a rule of the user's own keeps its title. */
export function titleOf(title: string): string {
  return language.value === 'zh-CN' ? (chinese.value[title] ?? title) : title
}
