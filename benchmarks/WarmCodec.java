// Times EXIficient in one warm JVM: EXI to XML text and back, with the options of ISO 15118.
// usage: WarmCodec MAIN.xsd    stdin, a line each: EXI as hex    stdout: "decode_us encode_us" (medians) or "ERR reason"
import com.siemens.ct.exi.core.CodingMode;
import com.siemens.ct.exi.core.EXIFactory;
import com.siemens.ct.exi.core.FidelityOptions;
import com.siemens.ct.exi.core.helpers.DefaultEXIFactory;
import com.siemens.ct.exi.grammars.GrammarFactory;
import com.siemens.ct.exi.main.api.sax.EXIResult;
import com.siemens.ct.exi.main.api.sax.EXISource;
import java.io.*;
import java.util.Arrays;
import java.util.HexFormat;
import javax.xml.parsers.SAXParserFactory;
import javax.xml.transform.*;
import javax.xml.transform.sax.SAXSource;
import javax.xml.transform.stream.StreamResult;
import org.xml.sax.*;

public class WarmCodec {
    static final int WARM = 1500, MEASURED = 500;
    static EXIFactory factory;
    static Transformer transformer;
    static XMLReader reader;

    static String toXml(byte[] exi) throws Exception {
        EXISource source = new EXISource(factory);
        StringWriter text = new StringWriter();
        transformer.transform(new SAXSource(source.getXMLReader(), new InputSource(new ByteArrayInputStream(exi))),
            new StreamResult(text));
        return text.toString();
    }

    static byte[] toExi(String xml) throws Exception {
        EXIResult result = new EXIResult(factory);
        ByteArrayOutputStream exi = new ByteArrayOutputStream();
        result.setOutputStream(exi);
        reader.setContentHandler(result.getHandler());
        reader.parse(new InputSource(new StringReader(xml)));
        return exi.toByteArray();
    }

    interface Step { void run() throws Exception; }

    static double median(Step step) throws Exception {
        long[] taken = new long[MEASURED];
        for (int i = -WARM; i < MEASURED; i++) {
            long start = System.nanoTime();
            step.run();
            if (i >= 0) taken[i] = System.nanoTime() - start;
        }
        Arrays.sort(taken);
        return taken[MEASURED / 2] / 1000.0;
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err);
        factory = DefaultEXIFactory.newInstance();
        factory.setGrammars(GrammarFactory.newInstance().createGrammars(arguments[0]));
        factory.setFidelityOptions(FidelityOptions.createDefault());
        factory.setCodingMode(CodingMode.BIT_PACKED);
        factory.setValuePartitionCapacity(0);
        factory.setMaximumNumberOfBuiltInElementGrammars(0);
        factory.setMaximumNumberOfBuiltInProductions(0);
        transformer = TransformerFactory.newInstance().newTransformer();
        SAXParserFactory parsers = SAXParserFactory.newInstance();
        parsers.setNamespaceAware(true);
        reader = parsers.newSAXParser().getXMLReader();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            try {
                byte[] exi = HexFormat.of().parseHex(line.trim());
                String xml = toXml(exi);
                double decode = median(() -> toXml(exi));
                answers.printf(java.util.Locale.ROOT, "%.1f %.1f%n", decode, median(() -> toExi(xml)));
            } catch (Exception error) {
                answers.println("ERR " + error.toString().replace('\n', ' '));
            }
            answers.flush();
        }
    }
}
