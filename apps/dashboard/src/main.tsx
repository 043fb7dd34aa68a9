import { render } from 'preact'
import { Root } from './session/root.tsx'

render(<Root />, document.body)
