/** A layer's history line as the instruction that a person wrote. */

export interface Instruction {
  verb: string
  rest: string
}

const VERBS =
  /^(RUN|COPY|ADD|ENV|CMD|ENTRYPOINT|LABEL|WORKDIR|USER|EXPOSE|ARG|VOLUME|SHELL|FROM|HEALTHCHECK)\b\s*/i

export function instruction(createdBy: string | null): Instruction {
  const text = (createdBy ?? '').replaceAll(/\s+/g, ' ').trim()
  const classic = /^\/bin\/sh -c #\(nop\)\s*/.exec(text)
  // The classic builder marks what is not RUN; BuildKit writes the verb and a trailing comment.
  const plain = (classic ? text.slice(classic[0].length) : text).replace(/\s*# buildkit$/, '')
  const verb = VERBS.exec(plain)
  if (verb)
    return {
      verb: (verb[1] ?? '').toUpperCase(),
      rest: plain.slice(verb[0].length).replace(/^\/bin\/sh -c /, ''),
    }
  if (plain.startsWith('/bin/sh -c ')) return { verb: 'RUN', rest: plain.slice('/bin/sh -c '.length) }
  return { verb: '', rest: plain }
}
