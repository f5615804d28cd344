// The peer in Java: `java -cp ... Peer TYPE bind|connect ENDPOINT ROUTING_ID`, with JeroMQ 0.3.6 or later.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;
import java.util.StringJoiner;
import org.zeromq.ZMQ;

public class Peer {
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] arguments) throws Exception {
        ZMQ.Context context = ZMQ.context(1);
        ZMQ.Socket socket = context.socket(ZMQ.class.getField(arguments[0]).getInt(null));
        socket.setLinger(1000);
        socket.setSendTimeOut(10_000);
        if (!arguments[3].isEmpty()) socket.setIdentity(arguments[3].getBytes());
        if (arguments[1].equals("bind")) socket.bind(arguments[2]);
        else socket.connect(arguments[2]);
        System.out.println(ZMQ.getVersionString());
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) obey(socket, line.charAt(0), line.substring(1));
        socket.close();
        context.term();
    }

    private static void obey(ZMQ.Socket socket, char word, String text) {
        if (word == '<') {
            socket.setReceiveTimeOut(Integer.parseInt(text));
            System.out.println(received(socket));
        } else if (word == '+') {
            socket.subscribe(HEX.parseHex(text));
        } else if (word == '-') {
            socket.unsubscribe(HEX.parseHex(text));
        } else {
            String[] frames = text.split(",", -1);
            for (int i = 0; i < frames.length; i++) {
                boolean more = i + 1 < frames.length;
                if (!socket.send(HEX.parseHex(frames[i]), more ? ZMQ.SNDMORE : 0)) throw new IllegalStateException("not sent");
            }
        }
    }

    private static String received(ZMQ.Socket socket) {
        byte[] frame = socket.recv(0);
        if (frame == null) return "nothing";
        StringJoiner frames = new StringJoiner(",").add(HEX.formatHex(frame));
        while (socket.hasReceiveMore()) frames.add(HEX.formatHex(socket.recv(0)));
        return frames.toString();
    }
}
