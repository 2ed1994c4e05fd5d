import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { h, ref, type Component } from 'vue'
import Drawer from '@/components/Drawer.vue'
import Modal from '@/components/Modal.vue'
import ExceptionTable from '@/components/exceptions/ExceptionTable.vue'
import Containers from '@/pages/Containers.vue'
import Incidents from '@/pages/Incidents.vue'
import { mounted } from './mounted'

beforeEach(() => {
  /** As browsers do. */
  HTMLDialogElement.prototype.showModal = function show() {
    this.open = true
    this.querySelector('button')?.focus()
  }
})
afterEach(() => {
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})

const active = () => document.activeElement?.textContent?.trim()

describe.each<[string, Component]>([
  ['dialog', Modal],
  ['drawer', Drawer],
])('a %s that is closed', (_, shown) => {
  const open = ref(false)
  const Page = () => [
    h('button', { onClick: () => (open.value = true) }, 'Open'),
    open.value ? h(shown, { title: 'About', label: 'About', onClose: () => (open.value = false) }) : null,
  ]

  it('leaves the focus where it was', async () => {
    open.value = false
    const page = await mounted(Page, {})
    const button = page.root.querySelector('button')
    button?.focus()
    await page.click('Open')
    expect(document.activeElement).not.toBe(button)
    document.querySelector<HTMLButtonElement>('button[aria-label="Close"]')?.click()
    await page.settle()
    expect(document.querySelector('[role=dialog], dialog')).toBeNull()
    expect(active()).toBe('Open')
    page.unmount()
  })
})

it('names a dialog by its own title where another is below it', async () => {
  const page = await mounted(() => [h(Modal, { title: 'Below' }), h(Modal, { title: 'Above' })], {})
  const titles = [...document.querySelectorAll('dialog')].map(
    (each) => document.getElementById(each.getAttribute('aria-labelledby') ?? '')?.textContent,
  )
  expect(titles).toEqual(['Below', 'Above'])
  page.unmount()
})

describe.each<[string, Component, string, string]>([
  ['an incident', Incidents, '/incidents', 'Incident'],
  ['a container', Containers, '/containers', 'Container'],
  ['an exception', ExceptionTable, '/exceptions', 'Exception'],
])('the drawer of %s', (_, component, list, title) => {
  it('says what it is and that it comes, as long as it is on its way', async () => {
    vi.stubGlobal('fetch', (where: string) =>
      where.includes(`${list}?`)
        ? Promise.resolve(new Response('{"items":[],"total":0,"cursor":null}'))
        : new Promise(() => undefined),
    )
    const page = await mounted(component, {}, 'en', `${list}?item=x1`)
    const drawer = document.querySelector('.drawer')
    expect(drawer?.querySelector('h2')?.textContent).toBe(title)
    expect(drawer?.querySelector('[role=status]')?.textContent).toContain('Loading')
    page.unmount()
  })

  it('says why it is not there instead', async () => {
    vi.stubGlobal('fetch', (where: string) =>
      Promise.resolve(
        where.includes(`${list}?`)
          ? new Response('{"items":[],"total":0,"cursor":null}')
          : new Response('{}', { status: 404 }),
      ),
    )
    const page = await mounted(component, {}, 'en', `${list}?item=x1`)
    await page.settle()
    expect(document.querySelector('.drawer [role=alert]')).not.toBeNull()
    expect(document.querySelector('.drawer [role=status]')).toBeNull()
    page.unmount()
  })
})
