/** A component on a page of its own, as the browser would have it: with the router, the words and a server that is told what to say. */
import { createApp, h, nextTick, type Component } from 'vue'
import { createMemoryHistory, createRouter, type Router } from 'vue-router'
import { vi } from 'vitest'
import { i18n, useLanguage } from '@/i18n'
import type { Language } from '@/preferences'

const NAMES = [
  'overview',
  'images',
  'image',
  'compare',
  'registries',
  'registry',
  'registry-new',
  'registry-edit',
  'containers',
  'nodes',
  'incidents',
  'incident',
  'advisories',
  'exceptions',
  'audit',
  'policy',
]

export interface Mounted {
  root: HTMLElement
  router: Router
  text: () => string
  /** The field whose label has this text. */
  field: <T extends HTMLElement = HTMLInputElement>(label: string) => T
  type: (label: string, value: string) => Promise<void>
  click: (name: string) => Promise<void>
  settle: () => Promise<void>
  unmount: () => void
}

export async function mounted(
  component: Component,
  props: Record<string, unknown>,
  language: Language = 'en',
  at = '/',
): Promise<Mounted> {
  await useLanguage(language)
  const router = createRouter({
    history: createMemoryHistory(),
    routes: NAMES.map((name) => ({
      path: name === 'overview' ? '/' : `/${name}/:id?/:other?`,
      name,
      component: { render: () => null },
    })),
  })
  await router.push(at)
  const root = document.createElement('div')
  document.body.append(root)
  const app = createApp({ render: () => h(component, props) })
  app.use(router).use(i18n).mount(root)

  async function settle(): Promise<void> {
    await new Promise((done) => setTimeout(done))
    await nextTick()
  }

  function field<T extends HTMLElement>(label: string): T {
    const found = [...document.querySelectorAll('label')].find((each) => each.textContent.trim() === label)
    const named = found?.htmlFor ? document.getElementById(found.htmlFor) : found?.querySelector('input')
    if (!named) throw new Error(`no field is called ${label}`)
    return named as unknown as T
  }

  await settle()
  return {
    root,
    router,
    text: () => document.body.textContent.replace(/\s+/g, ' '),
    field,
    settle,
    async type(label, value) {
      const input = field<HTMLInputElement>(label)
      input.value = value
      input.dispatchEvent(new Event('input'))
      await nextTick()
    },
    async click(name) {
      const found = [...document.querySelectorAll<HTMLElement>('button, a')].find(
        (each) => each.textContent.trim() === name,
      )
      if (!found) throw new Error(`nothing to click is called ${name}`)
      found.click()
      await settle()
    },
    unmount() {
      app.unmount()
      root.remove()
    },
  }
}

/** Answers of the server by path; whatever else is asked for is not there. */
export function serverSays(answers: Record<string, unknown>): string[] {
  const asked: string[] = []
  vi.stubGlobal('fetch', (where: string) => {
    asked.push(where)
    const path = where.replace('/api/v1', '')
    const answer = answers[path] ?? answers[path.split('?')[0] ?? '']
    const status = answer === undefined ? 404 : 200
    return Promise.resolve(new Response(JSON.stringify(answer ?? {}), { status }))
  })
  return asked
}
