import { createApp } from 'vue'
import App from '@/App.vue'
import { whenSignedOut } from '@/api/client'
import { i18n, useLanguage } from '@/i18n'
import { watchParts } from '@/parts'
import { language } from '@/preferences'
import { router } from '@/router'
import { forget, session } from '@/session'
import '@/styles/main.css'

whenSignedOut(() => {
  const wasIn = session.value !== null
  forget()
  const here = router.currentRoute.value
  if (wasIn && here.name !== 'sign-in') void router.replace({ name: 'sign-in', query: { to: here.fullPath } })
})

watchParts(router)
await useLanguage(language.value)
createApp(App).use(i18n).use(router).mount('#app')
