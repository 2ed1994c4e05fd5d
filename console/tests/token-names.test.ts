import { computed } from 'vue'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { actorText } from '@/components/audit/words'
import { useLanguage } from '@/i18n'
import { serverSays } from './mounted'

afterEach(() => {
  vi.unstubAllGlobals()
})

const settled = () => new Promise((done) => setTimeout(done, 20))

describe('who did something with a token', () => {
  it('is named by the token and whose it is, once the server was asked for all of them', async () => {
    await useLanguage('en')
    const asked = serverSays({ '/tokens/names': [{ id: 'aa', name: 'nightly', user: 'olga' }] })
    const shown = computed(() => ['token:aa', 'token:bb', 'user:olga'].map(actorText))
    expect(shown.value).toEqual(['token aa', 'token bb', 'olga'])
    await settled()
    expect(shown.value).toEqual(['nightly, a token of olga', 'token bb', 'olga'])
    expect(asked.map(decodeURIComponent)).toEqual(['/api/v1/tokens/names?id=aa,bb'])
    await useLanguage('zh-CN')
    expect(shown.value[0]).toBe('olga 的令牌“nightly”')
    await useLanguage('en')
  })

  it('stays known by its id where nobody answers', async () => {
    serverSays({})
    expect(actorText('token:cc')).toBe('token cc')
    await settled()
    expect(actorText('token:cc')).toBe('token cc')
  })
})
