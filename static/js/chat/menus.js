// A menu closes when something in it was chosen. Converse leaves it open, over
// what was asked for.

export function closeMenus() {
    document.querySelector('#chat').addEventListener('click', (event) => {
        const chosen = event.target.closest?.('converse-dropdown .dropdown-item');
        chosen?.closest('converse-dropdown').hide();
    });
}
