/** Two first languages; each is loaded when it is chosen. */
import { createI18n, type LocaleMessageDictionary, type VueMessageType } from 'vue-i18n'
import { number } from '@/i18n/format'
import { loadSentences } from '@/i18n/sentences'
import { loadTitles } from '@/i18n/titles'
import { language, type Language } from '@/preferences'

type Messages = LocaleMessageDictionary<VueMessageType>

const LOAD: Record<Language, () => Promise<Messages>> = {
  en: async () => (await import('@/i18n/en')).default as unknown as Messages,
  'zh-CN': async () => (await import('@/i18n/zh-CN')).default as unknown as Messages,
}

export const i18n = createI18n<false>({
  legacy: false,
  locale: language.value as string,
  fallbackLocale: false,
  messages: {},
  missing: (locale, key) => {
    console.error(`missing translation: ${locale} ${key}`)
    return key
  },
  pluralRules: { 'zh-CN': () => 0 },
})

export async function useLanguage(chosen: Language): Promise<void> {
  if (!i18n.global.availableLocales.includes(chosen)) {
    const [messages] = await Promise.all([LOAD[chosen](), loadTitles(chosen), loadSentences(chosen)])
    i18n.global.setLocaleMessage(chosen, messages)
  }
  i18n.global.locale.value = chosen
  language.value = chosen
}

/** Server codes may hold dots (`policy.update`); in a message key a dot goes down one level. */
function keyOf(family: string, code: string): string {
  return `${family}.${code.replaceAll('.', '_')}`
}

/** The sentence for a code that the server sent, or the server's own English if this console is older than it. */
export function told(
  family: string,
  code: string,
  params: Record<string, unknown> = {},
  fallback?: string,
): string {
  const key = keyOf(family, code)
  return i18n.global.te(key) ? i18n.global.t(key, params) : (fallback ?? code)
}

/** Names side by side, as the language separates them. */
export function listed(names: readonly string[]): string {
  return names.join(i18n.global.t('list.comma'))
}

/** A sentence about a number of things, in the right plural and with the number as the language writes it. */
export function counted(key: string, count: number, params: Record<string, unknown> = {}): string {
  return i18n.global.t(key, { n: number(count), ...params }, count)
}
