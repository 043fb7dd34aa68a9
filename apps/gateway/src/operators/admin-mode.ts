import type { Config } from '../config/config.ts'

/** Whether operators have to show who they are; where nothing is said, where clients have to. */
export const adminMode = ({ admin, auth }: Pick<Config['server'], 'admin' | 'auth'>): 'open' | 'login' =>
  admin ?? (auth === 'keys' ? 'login' : 'open')
