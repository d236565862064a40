// Icons take their colour from the style sheet. Converse works it out for every
// icon by itself, and has the browser work out all styles again each time: more
// than half of the work of showing a long conversation, seven icons a message.
// So made, they also follow when the system turns from light to dark.

export async function paintIcons() {
    const Icon = await customElements.whenDefined('converse-icon');
    // Patch: icon-colours
    Icon.prototype.getStyles = function () {
        const size = this.size ? `width: ${this.size}; height: ${this.size};` : '';
        return `${size} ${this.color ? `fill: ${this.color};` : ''} ${this.css}`;
    };
}
