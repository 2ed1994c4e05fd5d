import { nextTick } from 'vue'
import { describe, expect, it } from 'vitest'
import { draftOf, emptyRegistry, specOf } from '@/components/registries/draft'
import RegistryForm from '@/components/registries/RegistryForm.vue'
import { mounted } from './mounted'

describe('the scheme before the address of a registry', () => {
  it.each([
    ['http://registry.example:5000', false, true],
    [' HTTP://registry.example:5000/', false, true],
    ['https://registry.example:5000', true, false],
    ['registry.example:5000', true, true],
    ['registry.example:5000', false, false],
  ])('of %s, where plain HTTP was %s, makes it %s', (address, before, insecure) => {
    const made = specOf({ ...draftOf(emptyRegistry(), false), address, insecure: before })
    expect([made.address, made.insecure]).toEqual(['registry.example:5000', insecure])
  })

  it('ticks plain HTTP in the form', async () => {
    const page = await mounted(RegistryForm, {
      spec: emptyRegistry(),
      before: null,
      busy: false,
      problem: null,
      submit: 'Save',
    })
    const box = page.root.querySelector<HTMLInputElement>('input[type=checkbox]')
    expect(box?.checked).toBe(false)
    await page.type('Address', 'http://registry.example:5000/')
    const address = page.field('Address')
    address.dispatchEvent(new Event('blur'))
    await nextTick()
    expect(address.value).toBe('registry.example:5000')
    expect(box?.checked).toBe(true)
    page.unmount()
  })
})
