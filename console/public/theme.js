// Sets theme and language on the root element before anything is painted; src/preferences.ts keeps them.
try {
    const theme = localStorage.getItem('hullguard.theme')
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
    const language = localStorage.getItem('hullguard.language')
    if (language) document.documentElement.lang = language
} catch {
    // Storage is forbidden in this browser: the system's theme is used.
}
