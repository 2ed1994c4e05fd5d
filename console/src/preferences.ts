/** What a person chose for this browser: language, theme, narrow navigation. */
import { ref, watch } from 'vue'

export const LANGUAGES = ['en', 'zh-CN'] as const
export type Language = (typeof LANGUAGES)[number]
export type Theme = 'light' | 'dark' | 'system'

function stored(key: string): string | null {
  try {
    return localStorage.getItem(`hullguard.${key}`)
  } catch {
    return null
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(`hullguard.${key}`, value)
  } catch {
    // Storage is forbidden: the choice lasts as long as the page.
  }
}

function firstLanguage(): Language {
  const chosen = stored('language')
  if (chosen === 'en' || chosen === 'zh-CN') return chosen
  return navigator.languages.some((each) => each.toLowerCase().startsWith('zh')) ? 'zh-CN' : 'en'
}

function firstTheme(): Theme {
  const chosen = stored('theme')
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system'
}

export const language = ref<Language>(firstLanguage())
export const theme = ref<Theme>(firstTheme())
export const narrow = ref(stored('narrow') === 'yes')

watch(
  language,
  (chosen, before) => {
    document.documentElement.lang = chosen
    if (before) store('language', chosen)
  },
  { immediate: true },
)
watch(theme, (chosen) => {
  store('theme', chosen)
  if (chosen === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
})
watch(narrow, (chosen) => store('narrow', chosen ? 'yes' : 'no'))
