import { describe, expect, it } from 'vitest'
import { useLanguage } from '@/i18n'
import { titleOf } from '@/i18n/titles'

describe('titles of rules', () => {
  it('follow the language', async () => {
    await useLanguage('en')
    expect(titleOf('AWS access key')).toBe('AWS access key')
    await useLanguage('zh-CN')
    expect(titleOf('AWS access key')).toBe('AWS 访问密钥')
  })

  it('stay what a user wrote in a rule of his own', async () => {
    await useLanguage('zh-CN')
    expect(titleOf('Our own rule')).toBe('Our own rule')
  })
})
