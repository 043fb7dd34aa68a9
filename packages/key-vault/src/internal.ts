/**
 * What the gateway's command line and stores use of the vault: the doctor's examination, files with a lock. Not for others: any release may
 * change it.
 * @packageDocumentation
 */

export { type ExamineOptions, examineAgeFile, examineVault, type Finding } from './doctor.ts'
export { processEnvironment } from './environment.ts'
export { readKeyFile } from './key-file.ts'
export { type LockedFile, type LockedFileOptions, lockedFile, lockedFileDefaults } from './locked-file.ts'
