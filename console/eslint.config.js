import js from '@eslint/js'
import prettier from 'eslint-config-prettier'
import vue from 'eslint-plugin-vue'
import globals from 'globals'
import ts from 'typescript-eslint'

export default ts.config(
    { ignores: ['dist/', 'node_modules/', 'src/api/schema.d.ts'] },
    js.configs.recommended,
    ...ts.configs.strict,
    ...vue.configs['flat/recommended'],
    {
        files: ['**/*.{ts,vue,js}'],
        languageOptions: {
            globals: { ...globals.browser },
            parserOptions: { parser: ts.parser, sourceType: 'module' },
        },
        rules: {
            // What comes from a node or an image is hostile text: it is shown as text, always.
            'vue/no-v-html': 'error',
            'vue/multi-word-component-names': 'off',
            'vue/define-macros-order': 'error',
            'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
            // A style attribute in the markup would need style-src unsafe-inline; bound styles go through the CSSOM.
            'vue/no-static-inline-styles': 'error',
            'no-restricted-syntax': ['error', 'Literal[value=/[\\u4e00-\\u9fff]/]'],
            'max-lines': ['error', 400],
        },
    },
    { files: ['tests/**', 'src/i18n/**', '*.config.*'], rules: { 'no-restricted-syntax': 'off' } },
    prettier,
)
