import type { Submission } from '@/api/types'
import { actorText } from '@/components/audit/words'
import { i18n } from '@/i18n'

/** Who submitted something: a person, or by name the token of a build and whose it is. */
export function senderText({ by, user, token }: Pick<Submission, 'by' | 'user' | 'token'>): string {
  if (!user || !by.startsWith('token:')) return user ?? actorText(by)
  return token
    ? i18n.global.t('submissions.byToken', { name: token, user })
    : i18n.global.t('submissions.byGoneToken', { user })
}
