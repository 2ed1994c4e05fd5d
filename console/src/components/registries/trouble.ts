/** What hinders a registry or one of its images from being read, and what to do, in the reader's language. */
import { told } from '@/i18n'
import { sentenceOf } from '@/i18n/sentences'

/** In few words, by its code; where the code is new, the server's own sentence. */
export function troubleTitle(code: string, sentence: string): string {
  return told('registryTrouble', code, {}, shortened(sentence))
}

/** What to do about it here; nothing where the code is new. */
export function troubleStep(code: string): string {
  return told('registryStep', code, {}, '')
}

const DIGEST = /\b(sha256|sha512):([0-9a-f]{8})[0-9a-f]{52,}([0-9a-f]{4})\b/g

/** What the server says of it, with names and figures; empty where that adds nothing to the title. */
export function troubleDetail(code: string, sentence: string): string {
  const said = shortened(sentence)
  return said === troubleTitle(code, sentence) ? '' : said
}

/** As a sentence, with digests shortened in the middle: whole they fill lines, and break anywhere. */
function shortened(sentence: string): string {
  return sentenceOf(sentence).replace(DIGEST, '$1:$2…$3')
}
