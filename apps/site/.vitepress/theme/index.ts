import type { Theme } from 'vitepress'
import theme, { VPFeatures } from 'vitepress/theme-without-fonts'
import './style.css'

export default {
  extends: theme,
  enhanceApp: ({ app }) => void app.component('VPFeatures', VPFeatures),
} satisfies Theme
