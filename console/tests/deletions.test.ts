import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { h, type Component } from 'vue'
import { useRoute } from 'vue-router'
import { closeStream, openStream } from '@/api/stream'
import { emptyRegistry } from '@/components/registries/draft'
import ExceptionTable from '@/components/exceptions/ExceptionTable.vue'
import Image from '@/pages/Image.vue'
import Registry from '@/pages/Registry.vue'
import { signIn } from '@/session'
import { mounted } from './mounted'
import { IMAGE, REGISTRY } from './records'

const AT = '2026-11-02T00:00:00Z'
const permissions = ['images:read', 'submissions:write', 'registries:read', 'registries:write']
const list = (...items: object[]) => ({ items, total: items.length, cursor: null })
const image = { ...IMAGE, id: 'i1', registries: 0, submissions: 1, kind: 'sbom' }
const exception = {
  id: 'e1',
  version: 1,
  spec: { vulnerabilities: ['CVE-2024-0001'], reason: 'r', status: 'accepted' },
  state: 'in_force',
  created_by: 'user:a',
  created_at: AT,
  changed_by: 'user:a',
  changed_at: AT,
  findings: 0,
  images: 0,
  exact: true,
}
const answers: Record<string, unknown> = {
  '/sessions': {
    permissions: [...permissions, 'exceptions:read', 'exceptions:write'],
  },
  '/images': list(),
  '/images/i1': image,
  '/images/i1/content': { secrets: [], malware: [], config: [], licenses: [], suppressed: [], said_by: {} },
  '/images/i1/vulnerabilities': list(),
  '/submissions': list({
    id: 's1',
    name: 'shop',
    kind: 'sbom',
    by: 'user:a',
    user: 'a',
    token: null,
    submitted: AT,
    expires: AT,
  }),
  '/exceptions': list(exception),
  '/exceptions/e1': exception,
  '/registries/r1': { ...REGISTRY, spec: { ...emptyRegistry(), name: 'shop' } },
  '/registries/r1/images': list(),
}

class Source extends EventTarget {
  static last: Source
  constructor() {
    super()
    Source.last = this
  }
  close(): void {
    this.dispatchEvent(new Event('closed'))
  }
}

/** What was asked for, and how the server answers to a deletion. */
let asked: string[]
let answer: (status: number) => void

beforeEach(async () => {
  asked = []
  HTMLDialogElement.prototype.showModal = vi.fn()
  vi.stubGlobal('EventSource', Source)
  vi.stubGlobal('fetch', (where: string, request: RequestInit) => {
    const path = where.replace('/api/v1', '').split('?')[0] ?? ''
    if (request.method === 'DELETE')
      return new Promise<Response>((resolve) => {
        answer = (status) => resolve(new Response(status === 204 ? null : '{}', { status }))
      })
    asked.push(path)
    return Promise.resolve(
      new Response(JSON.stringify(answers[path] ?? {}), { status: path in answers ? 200 : 404 }),
    )
  })
  await signIn('a', 'b')
  closeStream()
  openStream()
})
afterEach(() => {
  closeStream()
  vi.useRealTimers()
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})

/** Shown at its address alone, as by the router. */
const at = (name: string, page: Component) => ({
  setup() {
    const route = useRoute()
    return () => (route.name === name ? h(page) : null)
  },
})

async function news(kind: string): Promise<void> {
  Source.last.dispatchEvent(new MessageEvent(kind, { data: '{"id":"x"}' }))
  await vi.advanceTimersByTimeAsync(1000)
}

describe.each<[string, Component, string, string, string]>([
  ['submission', at('image', Image), '/image/i1', 'image', 'Forget'],
  ['exception', at('exceptions', ExceptionTable), '/exceptions?item=e1', 'exception', 'Take back'],
  ['registry', at('registry', Registry), '/registry/r1', 'registry', 'Delete'],
])('a %s that is deleted', (_, component, place, kind, button) => {
  const id = place.slice(-2)

  async function deleting() {
    const page = await mounted(component, {}, 'en', place)
    for (let turn = 0; turn < 4; turn += 1) await page.settle()
    await page.click(button)
    const form = document.querySelector('dialog.modal form')
    for (const input of form?.querySelectorAll<HTMLInputElement>('input, textarea') ?? []) {
      input.value = 'shop'
      input.dispatchEvent(new Event('input'))
    }
    await page.settle()
    vi.useFakeTimers()
    form?.dispatchEvent(new Event('submit', { cancelable: true }))
    await vi.advanceTimersByTimeAsync(0)
    asked = []
    await news(kind)
    expect(asked).toEqual([])
    return page
  }

  it('is not asked for again, and is left', async () => {
    const page = await deleting()
    answer(204)
    await vi.advanceTimersByTimeAsync(1000)
    expect(page.router.currentRoute.value.fullPath).not.toBe(place)
    expect(asked.filter((path) => path.includes(id))).toEqual([])
    page.unmount()
  })

  it('is asked for again where it could not be deleted', async () => {
    const page = await deleting()
    answer(409)
    await vi.advanceTimersByTimeAsync(1000)
    expect(page.router.currentRoute.value.fullPath).toBe(place)
    expect(asked.filter((path) => path.endsWith(id))).toHaveLength(1)
    page.unmount()
  })
})
