/** A failure in the reader's language. */
import { Problem } from '@/api/client'
import { told } from '@/i18n'
import { sentenceOf } from '@/i18n/sentences'

export function asProblem(failure: unknown): Problem {
  if (failure instanceof Problem) return failure
  return new Problem(0, 'unexpected', failure instanceof Error ? failure.message : String(failure))
}

/** What went wrong, by code; the server's English if the code is new. */
export function sentence(failure: unknown): string {
  const problem = asProblem(failure)
  return told('problem', problem.code, problem.params, sentenceOf(problem.detail))
}

/** What to try next. */
export function advice(problem: Problem): string {
  const kind =
    problem.status === 0 || problem.status >= 500
      ? 'retry'
      : problem.status === 403
        ? 'permission'
        : problem.status === 404
          ? 'gone'
          : problem.status === 429
            ? 'wait'
            : 'check'
  return told('advice', kind)
}
