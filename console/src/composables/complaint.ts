/** Shows where in a form the server's complaint stands: it may be far from the button that sent it. */
import { nextTick, watch, type Ref } from 'vue'

/** Each new complaint moves the view and the focus to the field that is marked as wrong. */
export function useComplaint(form: Ref<HTMLElement | undefined>, complaint: () => unknown): void {
  watch(complaint, async (now) => {
    if (!now) return
    await nextTick()
    const wrong = form.value?.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]')
    wrong?.scrollIntoView({ block: 'center' })
    wrong?.focus({ preventScroll: true })
  })
}
