import { afterEach, describe, expect, it, vi } from 'vitest'
import { attemptLines } from '@/components/registries/attempt'
import { draftOf, emptyRegistry } from '@/components/registries/draft'
import RegistryForm from '@/components/registries/RegistryForm.vue'
import TestConnection from '@/components/registries/TestConnection.vue'
import type { RegistryAttempt } from '@/api/types'
import { useLanguage } from '@/i18n'
import { mounted } from './mounted'

const WELL: RegistryAttempt = {
  reachable: true,
  admitted: true,
  catalog: true,
  repositories: 2,
  looked_into: 'team/app',
  tags: 1,
  trouble: null,
}
const WRONG: RegistryAttempt = {
  ...WELL,
  admitted: false,
  catalog: null,
  repositories: 0,
  looked_into: '',
  tags: 0,
  trouble: {
    code: 'registry.unauthenticated',
    sentence: 'the registry r does not admit you to its catalog: 401',
  },
}
const FORM = {
  spec: { ...emptyRegistry(), name: 'r', address: 'r.example', repositories: ['team/*'] },
  before: null,
  busy: false,
  problem: null,
  submit: 'Save',
}

function serverAnswers(status: number, body: unknown): { where: string; body: unknown }[] {
  const asked: { where: string; body: unknown }[] = []
  vi.stubGlobal('fetch', (where: string, init: RequestInit) => {
    asked.push({ where, body: JSON.parse(String(init.body)) })
    return Promise.resolve(new Response(JSON.stringify(body), { status }))
  })
  return asked
}

// The page is scrolled to a field that is wrong, which no page here can be.
Element.prototype.scrollIntoView = () => undefined

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('a registry that is asked once', () => {
  it('is told line by line, in both languages', async () => {
    await useLanguage('en')
    expect(attemptLines(WELL).map((line) => [line.good, line.text])).toEqual([
      [true, 'The registry answers.'],
      [true, 'It admits this user name and password.'],
      [true, 'It gives the list of its repositories.'],
      [true, '2 repositories fit what is named.'],
      [true, 'In team/app 1 tag would be read.'],
    ])
    expect(attemptLines(WRONG).map((line) => line.good)).toEqual([true, false])
    expect(attemptLines({ ...WRONG, reachable: false }).map((line) => line.text)).toEqual([
      'The registry does not answer.',
    ])
    expect(attemptLines({ ...WELL, admitted: null, catalog: false }).map((line) => line.good)).toEqual([
      true,
      false,
      true,
    ])
    await useLanguage('zh-CN')
    expect(attemptLines(WELL).map((line) => line.text)).toContain('有 2 个仓库符合所填名称。')
    await useLanguage('en')
  })

  it('is asked from the form as it stands, and an answer about something else goes', async () => {
    const asked = serverAnswers(200, WRONG)
    const page = await mounted(RegistryForm, FORM)
    await page.click('Test connection')
    await page.settle()
    const { where, body } = asked[0] ?? { where: '', body: null }
    expect(where).toBe('/api/v1/registries/test')
    expect(body).toMatchObject({ spec: { address: 'r.example', repositories: ['team/*'] }, registry: null })
    expect(page.text()).toContain('It refuses this user name or password.')
    expect(page.text()).toContain('Check the user name and the password under Edit.')
    await page.type('User name', 'somebody')
    await page.settle()
    expect(page.text()).not.toContain('It refuses this user name or password.')
    page.unmount()
  })

  it('that cannot be asked says why at the field that is wrong', async () => {
    serverAnswers(422, {
      type: 'about:blank',
      title: 'x',
      status: 422,
      code: 'registry.bad-address',
      detail: 'r.example is no address of a registry',
      field: '$.spec.address',
    })
    const page = await mounted(RegistryForm, FORM)
    await page.click('Test connection')
    await page.settle()
    expect(page.field('Address').getAttribute('aria-invalid')).toBe('true')
    page.unmount()
  })

  it('that is kept can be asked as it is', async () => {
    const page = await mounted(TestConnection, { ask: () => Promise.resolve(WELL), about: 'r 1' })
    await page.click('Test connection')
    await page.settle()
    expect(page.text()).toContain('It admits this user name and password.')
    page.unmount()
  })

  it('needs what is to be asked', async () => {
    const page = await mounted(RegistryForm, { ...FORM, spec: emptyRegistry() })
    const button = [...page.root.querySelectorAll('button')].find(
      (each) => each.textContent.trim() === 'Test connection',
    )
    expect(button?.disabled).toBe(true)
    expect(draftOf(emptyRegistry(), false).address).toBe('')
    page.unmount()
  })
})
