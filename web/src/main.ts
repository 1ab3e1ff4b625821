// SPDX-License-Identifier: MulanPSL-2.0
// Starts the page: language, who is here, the screen.
import { createApp } from 'vue'
import App from './App.vue'
import { router } from './router'
import { lang, setLang } from './words'
import './style/base.css'

setLang(lang.value)
createApp(App).use(router).mount('#app')
