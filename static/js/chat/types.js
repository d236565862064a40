/**
 * What the server tells the page; see ChatConfig in app/page.go.
 * @typedef {Object} ChatConfig
 * @property {string} jid
 * @property {string} user
 * @property {string} name
 * @property {string} [picture]
 * @property {string} domain
 * @property {string} roomsDomain
 * @property {string[]} fileHosts where files are that pages show, besides the site's own
 * @property {'session'|'prebind'|'token'|'signed'|'password'|'typed'} login
 * @property {string} roster
 * @property {boolean} search
 * @property {boolean} rooms the site lists rooms and makes them
 * @property {boolean} previews links have previews
 * @property {boolean} countsUnread the site knows what is unread
 * @property {boolean} watch
 * @property {boolean} follow the server is the site's own, and tells of rooms that one is not in
 * @property {boolean} befriend
 * @property {string} websocketURL
 * @property {string} boshURL
 * @property {string} prebindURL
 * @property {string} credentialsURL
 * @property {string} meURL
 * @property {string} assetsPath
 * @property {string} converseJS
 * @property {string[]} chatStyles in this order
 * @property {string} icon
 * @property {boolean} trusted
 * @property {string} pushKey empty: nobody is notified whose pages are closed
 */
export {};
