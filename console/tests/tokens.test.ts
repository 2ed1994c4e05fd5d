import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import Tokens from '@/pages/Tokens.vue'
import { mounted, serverSays, type Mounted } from './mounted'

let page: Mounted | null = null
beforeEach(() => {
  HTMLDialogElement.prototype.showModal = vi.fn()
})
afterEach(() => {
  page?.unmount()
  vi.unstubAllGlobals()
})

async function made(role: string): Promise<Mounted> {
  const token = {
    id: 't1',
    name: 'ci',
    role,
    created: '2026-03-01T00:00:00Z',
    expires: '2026-06-01T00:00:00Z',
  }
  serverSays({ '/tokens': { items: [], total: 0, cursor: null, token, secret: 'hgt_secret' } })
  const opened = await mounted(Tokens, {})
  await opened.click('New token')
  await opened.type('Name', 'ci')
  document.querySelector('dialog form')?.dispatchEvent(new Event('submit', { cancelable: true }))
  await opened.settle()
  await opened.settle()
  return opened
}

describe('a new token', () => {
  it('of a build comes with the command that it is for', async () => {
    page = await made('submitter')
    expect(page.text()).toContain('hgt_secret')
    expect(page.text()).toContain(
      `hullguard submit TARGET --server ${window.location.origin} --token-file FILE`,
    )
  })

  it('of another role does not', async () => {
    page = await made('viewer')
    expect(page.text()).toContain('hgt_secret')
    expect(page.text()).not.toContain('hullguard submit')
  })
})
