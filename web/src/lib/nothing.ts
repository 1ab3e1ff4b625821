// SPDX-License-Identifier: MulanPSL-2.0
// Stands for Node's `crypto`, which sm-crypto-v2 asks for only where no Web Crypto is there to draw random numbers from.
// The page draws none with it (it checks signatures), so nothing is the right answer.
export {}
