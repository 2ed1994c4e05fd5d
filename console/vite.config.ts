import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const server = process.env.HULLGUARD_CTRL ?? 'http://127.0.0.1:8440'

/** Where the rules are, and beside them their titles. */
const content = fileURLToPath(new URL('../src/hullguard/inventory/content', import.meta.url))
/** The Chinese of what commands say, which has that of the sentences in scans' reports. */
const sentences = fileURLToPath(new URL('../src/hullguard/words/zh', import.meta.url))

export default defineConfig({
  plugins: [vue()],
  resolve: {
    alias: {
      '@': fileURLToPath(new URL('./src', import.meta.url)),
      '@content': content,
      '@sentences': sentences,
    },
  },
  define: { __VUE_OPTIONS_API__: false, __VUE_I18N_LEGACY_API__: false },
  build: {
    outDir: '../src/hullguard/ctrl/static',
    emptyOutDir: true,
    // A data: address would need its own word in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: { host: '127.0.0.1', proxy: { '/api': server }, fs: { allow: ['.', content, sentences] } },
  // A bound on hanging: how quick a test is depends on what else the machine does.
  test: { environment: 'jsdom', include: ['tests/**/*.test.ts'], testTimeout: 120_000 },
})
